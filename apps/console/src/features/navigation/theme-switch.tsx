import { Moon, Sun, SunMoon } from 'lucide-react';
import { type ColourTheme, setColourTheme, THEMES, useColourTheme } from '../../components/colour-theme.js';
import './theme-switch.css';

const ICONS = { system: SunMoon, light: Sun, dark: Moon } as const;

/** Chooses the colours of the console. A portal has the colours of its host page instead. */
export function ThemeSwitch() {
  const theme = useColourTheme();
  const Icon = ICONS[theme];
  return (
    <span className="theme-switch">
      <Icon className="icon" aria-hidden />
      <select aria-label="Theme" value={theme} onChange={({ target }) => setColourTheme(target.value as ColourTheme)}>
        {Object.entries(THEMES).map(([id, name]) => (
          <option key={id} value={id}>
            {name}
          </option>
        ))}
      </select>
    </span>
  );
}
