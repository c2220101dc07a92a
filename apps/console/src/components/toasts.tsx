import { createContext, lazy, type ReactNode, Suspense, useCallback, useContext, useState } from 'react';
import { untilLoaded } from './until-loaded.js';
import './toasts.css';

export interface Message {
  id: number;
  text: ReactNode;
  actions: Action[];
}
interface Action {
  label: string;
  onClick: () => void;
}
type ShowToast = (text: ReactNode, ...actions: Action[]) => void;

const ToastContext = createContext<ShowToast>(() => {});
/** Reports in a toast what was done, with actions such as Undo. */
export const useToast = (): ShowToast => useContext(ToastContext);

let lastId = 0;

const ToastList = lazy(() => untilLoaded(async () => ({ default: (await import('./toast-list.js')).ToastList })));

export function Toasts({ children }: { children: ReactNode }) {
  const [messages, setMessages] = useState<Message[]>([]);
  const toast = useCallback<ShowToast>((text, ...actions) => {
    lastId += 1;
    const message: Message = { id: lastId, text, actions };
    setMessages((before) => [...before.slice(-2), message]);
  }, []);
  const drop = useCallback((id: number) => setMessages((before) => before.filter((message) => message.id !== id)), []);
  return (
    <ToastContext value={toast}>
      {children}
      <Suspense>
        <ToastList messages={messages} onDrop={drop} />
      </Suspense>
    </ToastContext>
  );
}
