import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useToast } from '../components/toasts.js';
import { type Method, call } from './call.js';

/** An action: calls the API, then refetches the queries below `touches`, and reports a failure. `V` is what the action is given. */
export function useAction<T, V = undefined>({
  method = 'POST',
  path,
  body,
  touches,
  onDone,
  onFail,
  isQuiet = false,
}: {
  method?: Method;
  /** A function of what the action is given; then, by default, the request has no body. */
  path: string | ((of: V) => string);
  /** Default: what the action is given. */
  body?: (of: V) => unknown;
  touches: readonly unknown[];
  onDone?: (result: T, of: V) => void;
  /** Shows the error. Default: a toast. */
  onFail?: (error: Error) => void;
  /** The caller shows the error itself. */
  isQuiet?: boolean;
}) {
  const queryClient = useQueryClient();
  const toast = useToast();
  return useMutation<T, Error, V>({
    mutationFn: (of) =>
      typeof path === 'string' ? call<T>(method, path, body ? body(of) : of) : call<T>(method, path(of), body?.(of)),
    onSuccess: (result, of) => onDone?.(result, of),
    onError: (error) => {
      if (onFail) onFail(error);
      else if (!isQuiet) toast(error.message);
    },
    onSettled: () => queryClient.invalidateQueries({ queryKey: touches }),
  });
}
