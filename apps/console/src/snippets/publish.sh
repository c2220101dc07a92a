curl -X POST https://hooks.example.com/v1/accounts/acme/events \
  -H "authorization: Bearer $POSTHORN_API_KEY" -H 'content-type: application/json' \
  -d '{"event":"message:created","payload":{"id":"m_1","body":"Hello"}}'
