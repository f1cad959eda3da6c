// A real OpenID Connect issuer on loopback, for the browser tests: whoever signs in there is whom they say they are.
// It prints its address, and ends with its standard input.
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const require = createRequire(`${process.env.KEYDESK_NODE_MODULES}/`);
const { default: Provider } = await import(pathToFileURL(require.resolve('oidc-provider')).href);

const server = createServer();
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;

const provider = new Provider(issuer, {
  clients: [
    {
      client_id: 'desk',
      client_secret: process.env.CLIENT_SECRET,
      redirect_uris: ['http://localhost/auth/google/callback'],
    },
  ],
  claims: { openid: ['sub'], email: ['email', 'email_verified'] },
  // As at Google, the address is in the ID token.
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({ sub: id, email: id, email_verified: true }),
  }),
});
// The desk chooses its port after the issuer has started.
provider.Client.prototype.redirectUriAllowed = (uri) =>
  /^http:\/\/localhost:\d+\/auth\/google\/callback$/.test(uri);

const answer = provider.callback();
server.on('request', (request, response) => {
  // Its pages would fetch a font from elsewhere.
  response.setHeader('content-security-policy', "default-src 'none'; style-src 'unsafe-inline'");
  answer(request, response);
});
process.stdin.on('end', () => process.exit());
process.stdin.resume();
console.log(`The issuer is ${issuer}`);
