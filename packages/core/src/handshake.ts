// The handshake for senders without a database. It loads no Prisma, as `database-tools`.
export { handshakeBody, judgeResponse, newChallenge } from './verifications/challenge.js';
