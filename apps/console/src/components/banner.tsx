import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import './banner.css';

/** The state of the thing below it, with an action. */
export function Banner({
  tone,
  icon: Icon,
  children,
  action,
}: {
  tone: 'warning' | 'danger' | 'neutral';
  icon: LucideIcon;
  children: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className={`banner tone-${tone}`} role="status">
      <Icon className="icon" aria-hidden />
      <span className="text">{children}</span>
      {action}
    </div>
  );
}
