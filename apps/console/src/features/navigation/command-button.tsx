import { Search } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Button } from '../../components/button.js';
import { untilLoaded } from '../../components/until-loaded.js';
import './command-button.css';

// Not part of the first load.
const load = () => import('./command-menu.js');
const CommandMenu = lazy(() => untilLoaded(async () => ({ default: (await load()).CommandMenu })));
/** The menu is fetched in advance, after the screen. */
const FETCH_AFTER_MS = 1_000;

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

/** Opens the command menu, by a click and by ⌘K or Ctrl+K. */
export function CommandButton({ account }: { account: string | null }) {
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      setIsOpen(true);
    };
    document.addEventListener('keydown', onKeyDown);
    const timer = setTimeout(() => void load().catch(() => {}), FETCH_AFTER_MS);
    return () => {
      document.removeEventListener('keydown', onKeyDown);
      clearTimeout(timer);
    };
  }, []);
  return (
    <span className="command-button">
      <Button look="plain" aria-keyshortcuts="Control+K Meta+K" onClick={() => setIsOpen(true)}>
        <Search className="icon" aria-hidden />
        <span className="text">Search</span>
        <kbd>{isApple ? '⌘K' : 'Ctrl K'}</kbd>
      </Button>
      {isOpen && (
        <Suspense>
          <CommandMenu account={account} onClose={() => setIsOpen(false)} />
        </Suspense>
      )}
    </span>
  );
}
