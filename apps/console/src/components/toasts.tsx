import * as Toast from '@radix-ui/react-toast';
import { X } from 'lucide-react';
import { createContext, type ReactNode, useCallback, useContext, useState } from 'react';
import { Button } from './button.js';
import './toasts.css';

interface Message {
  id: number;
  text: ReactNode;
  act?: { label: string; onAct: () => void };
}
type Say = (text: ReactNode, act?: Message['act']) => void;

const SayContext = createContext<Say>(() => {});
/** Says what has been done, with what can be done about it. */
export const useSay = (): Say => useContext(SayContext);

let lastId = 0;

export function Toasts({ children }: { children: ReactNode }) {
  const [messages, setMessages] = useState<Message[]>([]);
  const say = useCallback<Say>((text, act) => {
    lastId += 1;
    const message: Message = { id: lastId, text, ...(act && { act }) };
    setMessages((before) => [...before.slice(-2), message]);
  }, []);
  const drop = (id: number) => setMessages((before) => before.filter((message) => message.id !== id));
  return (
    <SayContext value={say}>
      <Toast.Provider duration={8_000} label="Message">
        {children}
        {messages.map(({ id, text, act }) => (
          <Toast.Root key={id} className="toast" onOpenChange={(isOpen) => !isOpen && drop(id)}>
            <Toast.Description className="grow">{text}</Toast.Description>
            {act && (
              <Toast.Action asChild altText={act.label}>
                <Button size="tiny" onClick={act.onAct}>
                  {act.label}
                </Button>
              </Toast.Action>
            )}
            <Toast.Close asChild>
              <Button look="plain" size="tiny" label="Dismiss">
                <X className="icon" aria-hidden />
              </Button>
            </Toast.Close>
          </Toast.Root>
        ))}
        <Toast.Viewport className="toasts" label="Messages ({hotkey})" />
      </Toast.Provider>
    </SayContext>
  );
}
