// An application without a server: oidc-client-ts, a public client, code flow with PKCE.
const { issuer, client_id } = await (await fetch('/settings.json')).json()
const home = `${location.origin}/`
const people = new oidc.UserManager({
  authority: issuer,
  client_id,
  redirect_uri: `${home}callback`,
  post_logout_redirect_uri: `${home}left`,
  scope: 'openid profile email',
  loadUserInfo: true,
  filterProtocolClaims: false,
  automaticSilentRenew: false,
})

function show(user) {
  const { profile, access_token, id_token, refresh_token } = user ?? {}
  document.querySelector('#known').textContent = JSON.stringify(
    user ? { claims: profile, userinfo: profile, access_token, id_token, refresh_token } : { claims: null },
  )
}

document.querySelector('#login').onclick = () => people.signinRedirect()
document.querySelector('#refresh').onclick = async () => show(await people.signinSilent())
document.querySelector('#logout').onclick = () => people.signoutRedirect()
document.querySelectorAll('button').forEach((button) => { button.disabled = false })

if (location.pathname === '/callback') await people.signinRedirectCallback()
if (location.pathname === '/left') await people.signoutRedirectCallback()
history.replaceState(null, '', home)
show(await people.getUser())
