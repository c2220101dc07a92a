import { lazyRouteComponent } from '@tanstack/react-router';
import { call } from './api/call.js';

/** A screen whose file is fetched when it is first shown, or when a link to it is pointed at. If the fetch fails because the server
 *  is away, the screen shows an error. If the server responds, it has a newer console, and the router reloads the page. */
export const screen: typeof lazyRouteComponent = (load, name) =>
  lazyRouteComponent(
    () =>
      load().catch(async (error: unknown) => {
        await call('GET', '/livez');
        throw error;
      }),
    name,
  );
