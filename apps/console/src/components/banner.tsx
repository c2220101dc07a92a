import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import './banner.css';

/** Says how the thing below it stands, with what can be done about it. */
export function Banner({
  tone,
  icon: Icon,
  children,
  act,
}: {
  tone: 'warning' | 'danger' | 'neutral';
  icon: LucideIcon;
  children: ReactNode;
  act?: ReactNode;
}) {
  return (
    <div className={`banner tone-${tone}`} role="status">
      <Icon className="icon" aria-hidden />
      <span className="text">{children}</span>
      {act}
    </div>
  );
}
