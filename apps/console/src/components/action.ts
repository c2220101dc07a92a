import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useToast } from './toasts.js';
import { type Method, call } from '../api/call.js';

/** An action: calls the API, then refetches the queries below `touches`, and reports a failure. `V`: the argument of the action. */
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
  /** A path, or a function of the argument. With a function, the request has no body by default. */
  path: string | ((of: V) => string);
  /** Default: the argument. */
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
