import json, os, urllib.request

request = urllib.request.Request(
    "https://hooks.example.com/v1/accounts/acme/events",
    data=json.dumps({"event": "message:created", "payload": {"id": "m_1", "body": "Hello"}}).encode(),
    headers={"authorization": f"Bearer {os.environ['POSTHORN_API_KEY']}", "content-type": "application/json"},
)
with urllib.request.urlopen(request) as response:
    print(response.status, response.read().decode())
