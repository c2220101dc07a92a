const response = await fetch('https://hooks.example.com/v1/accounts/acme/events', {
  method: 'POST',
  headers: { authorization: `Bearer ${process.env.POSTHORN_API_KEY}`, 'content-type': 'application/json' },
  body: JSON.stringify({ event: 'message:created', payload: { id: 'm_1', body: 'Hello' } }),
});
console.log(response.status, await response.json());
