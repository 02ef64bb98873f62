// A certified OpenID provider with its own log-in page, where any name is let in. Arguments: port, address of the program.
import Provider from 'oidc-provider';

const [port, program] = process.argv.slice(2);
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [
    {
      client_id: 'efterskrift',
      client_secret: 'a secret of one test only, long enough',
      redirect_uris: [`${program}/oauth2callback`],
      post_logout_redirect_uris: [`${program}/oauth2callback`],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
  ],
  claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['a key of one test only'] },
  findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, preferred_username: id }) }),
});
provider.listen(Number(port), '127.0.0.1', () => console.log('listening'));
