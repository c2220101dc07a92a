import type { Replay } from '@posthorn/contract';
import { Pill } from '../../components/pill.js';

const WORDS = {
  running: { tone: 'progress', label: 'Running' },
  completed: { tone: 'success', label: 'Completed' },
  canceled: { tone: 'neutral', label: 'Canceled' },
} as const;

export const WHICH = { failed: 'Failed deliveries', missed: 'Missed events' } as const;

export const ReplayPill = ({ of: { status } }: { of: Replay }) => (
  <Pill tone={WORDS[status].tone}>{WORDS[status].label}</Pill>
);
