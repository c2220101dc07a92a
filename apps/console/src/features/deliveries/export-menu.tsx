import { Download } from 'lucide-react';
import { useState } from 'react';
import { accountPath } from '../../api/account-path.js';
import { openRequest, query, readProblem } from '../../api/call.js';
import { isPortal } from '../../api/place.js';
import { Button } from '../../components/button.js';
import { saveBlob, saveUrl } from '../../components/save-file.js';
import { MenuButton } from '../../components/menu.js';
import { useToast } from '../../components/toasts.js';
import type { DeliveryFilters } from '../../queries/deliveries.js';

const FORMATS = [
  ['csv', 'CSV, for spreadsheets'],
  ['ndjson', 'NDJSON, one JSON object per line'],
] as const;

/** Downloads all deliveries that match the filters. */
export function ExportMenu({
  account,
  filters,
}: {
  account: string;
  filters: Omit<DeliveryFilters, 'cursor' | 'limit'>;
}) {
  const toast = useToast();
  const [isPending, setIsPending] = useState(false);
  const download = async (format: string) => {
    const path = `${accountPath(account)}/deliveries/export${query({ ...filters, format })}`;
    const name = `deliveries-${account}.${format}`;
    // The browser streams it to the file, with the session's cookie.
    if (!isPortal) return saveUrl(new URL(`.${path}`, document.baseURI).href, name);
    // A portal has a token instead, which no link can send.
    setIsPending(true);
    try {
      const response = await openRequest('GET', path, {});
      if (!response.ok) throw await readProblem(response);
      saveBlob(await response.blob(), name);
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error));
    } finally {
      setIsPending(false);
    }
  };
  if (isPending) return <Button isPending>Exporting</Button>;
  return (
    <MenuButton
      icon={Download}
      label="Export"
      items={FORMATS.map(([format, label]) => ({ label, onSelect: () => void download(format) }))}
    />
  );
}
