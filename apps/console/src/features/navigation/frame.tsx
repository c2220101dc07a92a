import type { Session } from '@posthorn/contract';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useLocation, useMatch } from '@tanstack/react-router';
import { LifeBuoy, LogOut, Menu as MenuIcon } from 'lucide-react';
import { useState } from 'react';
import { ApiProblem } from '../../api/api-problem.js';
import { call } from '../../api/call.js';
import { sessionQuery } from '../session/queries.js';
import { isPortal } from '../../api/place.js';
import { portalTheme } from '../portal/portal.js';
import { type Page, pagesOf } from './pages.js';
import { CommandButton } from './command-button.js';
import { ThemeSwitch } from './theme-switch.js';
import { Login } from '../session/login.js';
import { SessionContext } from '../session/session.js';
import { isEmbedded } from '../../components/embedded.js';
import { Button } from '../../components/button.js';
import { useExactTimesOnClick } from '../../components/time.js';
import { TimeMenu } from '../../components/time-menu.js';
import { Empty, Failed } from '../../components/states.js';
import '../../components/brand.css';
import './frame.css';

/** The frame around every screen: the navigation and the session. Without a session, it shows the sign-in at the same address. */
export function Frame() {
  const session = useQuery(sessionQuery);
  if (session.isPending) return null;
  if (session.data === undefined) {
    if (session.error instanceof ApiProblem && session.error.status === 401)
      return isPortal ? <PortalEnded /> : <Login />;
    return <Failed what="the console" error={session.error} onRetry={() => void session.refetch()} />;
  }
  return (
    <SessionContext value={session.data}>
      <Inside session={session.data} />
    </SessionContext>
  );
}

/** The portal's link was used or has expired, or its session has ended. Only the host page can open a new one. */
function PortalEnded() {
  return (
    <main className="login">
      <Empty title="This link has expired">Reload the page that you came from.</Empty>
    </main>
  );
}

function Inside({ session }: { session: Session }) {
  const match = useMatch({ from: '/accounts/$account', shouldThrow: false });
  const account = session.accountId ?? match?.params.account;
  const { logoUrl, navigation = isEmbedded() ? 'tabs' : 'shown' } = portalTheme();
  useExactTimesOnClick();
  if (navigation === 'hidden') return <Bare />;
  if (navigation === 'tabs' && account !== undefined)
    return (
      <Tabs account={account} pages={[...pagesOf(session, account), ...pagesOf(session, null)]} logoUrl={logoUrl} />
    );
  return <Side session={session} account={account} logoUrl={logoUrl} />;
}

/** Without navigation, for a portal whose host page has its own. */
function Bare() {
  return (
    <>
      <main id="main" className="main alone" tabIndex={-1}>
        <Outlet />
      </main>
      <footer className="alone-foot">
        <TimeMenu look="plain" />
      </footer>
    </>
  );
}

/** The navigation beside the page. On a narrow screen it is above, behind a button. */
function Side({
  session,
  account,
  logoUrl,
}: {
  session: Session;
  account: string | undefined;
  logoUrl: string | undefined;
}) {
  const { pathname } = useLocation();
  // Navigation closes the menu.
  const [openedAt, setOpenedAt] = useState<string | null>(null);
  const isOpen = openedAt === pathname;
  return (
    <div className="frame">
      <SkipLink />
      <header className="side" data-open={isOpen}>
        <Link to="/" className="brand">
          {logoUrl === undefined ? (
            <>
              <img src="./posthorn.svg" alt="" />
              Posthorn
            </>
          ) : (
            <img className="logo" src={logoUrl} alt="Go to the start page" />
          )}
        </Link>
        <span className="menu-button">
          <Button
            look="plain"
            label={isOpen ? 'Close the menu' : 'Open the menu'}
            aria-expanded={isOpen}
            onClick={() => setOpenedAt(isOpen ? null : pathname)}
          >
            <MenuIcon className="icon" aria-hidden />
          </Button>
        </span>
        <CommandButton account={account ?? null} />
        <nav className="menus stack" aria-label="Console">
          <div className="nav">
            {pagesOf(session, null).map((page) => (
              <NavLink key={page.name} page={page} />
            ))}
          </div>
          {account !== undefined && (
            <div className="nav">
              <h2>
                <bdi>{account}</bdi>
              </h2>
              {pagesOf(session, account).map((page) => (
                <NavLink key={page.name} page={page} />
              ))}
            </div>
          )}
          {session.kind !== 'portal' && (
            <div className="nav">
              <a href="./docs/">
                <LifeBuoy className="icon" aria-hidden />
                Documentation
              </a>
            </div>
          )}
        </nav>
        <div className="foot">
          <TimeMenu look="plain" />
          {session.kind !== 'portal' && (
            <>
              <ThemeSwitch />
              <SignOut />
            </>
          )}
        </div>
      </header>
      <main id="main" className="main" tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}

function SkipLink() {
  return (
    <a
      className="skip"
      href="#main"
      onClick={(event) => {
        event.preventDefault();
        document.getElementById('main')?.focus();
      }}
    >
      Skip to content
    </a>
  );
}

function SignOut() {
  const queryClient = useQueryClient();
  async function signOut(): Promise<void> {
    await call('DELETE', '/v1/session').catch(() => {});
    queryClient.clear();
    await queryClient.resetQueries(sessionQuery);
  }
  return (
    <Button look="plain" onClick={() => void signOut()}>
      <LogOut className="icon" aria-hidden />
      Sign out
    </Button>
  );
}

/** Tabs above the page: for a portal inside another page, which has a menu and a name of its own. */
function Tabs({ account, pages, logoUrl }: { account: string; pages: Page[]; logoUrl: string | undefined }) {
  return (
    <div className="tab-frame">
      <header className="tab-head">
        {logoUrl !== undefined && <img className="logo" src={logoUrl} alt="" />}
        <nav className="nav" aria-label="Webhooks">
          {pages.map((page) => (
            <NavLink key={page.name} page={page} />
          ))}
        </nav>
        <CommandButton account={account} />
        <TimeMenu look="plain" />
      </header>
      <main id="main" className="main" tabIndex={-1}>
        <Outlet />
      </main>
    </div>
  );
}

function NavLink({ page: { to, params, icon: Icon, name, isExact = false } }: { page: Page }) {
  return (
    <Link to={to} params={params} activeOptions={{ exact: isExact, includeSearch: false }}>
      <Icon className="icon" aria-hidden />
      {name}
    </Link>
  );
}
