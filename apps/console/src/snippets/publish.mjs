// npm install @posthorn/client
import { Posthorn } from '@posthorn/client';

const posthorn = new Posthorn({ url: 'https://hooks.example.com', apiKey: process.env.POSTHORN_API_KEY });
const event = await posthorn.publish('acme', {
  event: 'message:created',
  payload: { id: 'm_1', body: 'Hello' },
});
console.log(event.id);
