import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useSay } from '../components/toasts.js';
import { type Method, call } from './call.js';

/** An act on something of an account: calls the API, refetches what lies below `touches`, and says when it failed. */
export function useAct<T, B = undefined>({
  method = 'POST',
  path,
  touches,
  onDone,
  isQuiet = false,
}: {
  method?: Method;
  /** Made from what the act is given where it is done to one of many: then that is all that is said, and there is no body. */
  path: string | ((of: B) => string);
  touches: readonly unknown[];
  onDone?: (result: T) => void;
  /** The caller shows the error itself. */
  isQuiet?: boolean;
}) {
  const queryClient = useQueryClient();
  const say = useSay();
  return useMutation<T, Error, B>({
    mutationFn: (body) => (typeof path === 'string' ? call<T>(method, path, body) : call<T>(method, path(body))),
    onSuccess: (result) => onDone?.(result),
    onError: (error) => {
      if (!isQuiet) say(error.message);
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: touches }),
  });
}
