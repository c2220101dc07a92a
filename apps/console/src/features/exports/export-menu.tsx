import type { ExportFormat } from '@posthorn/contract';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { query } from '../../api/call.js';
import { createExportLink, type Exported, readExportLink } from '../../queries/exports.js';
import { Button } from '../../components/button.js';
import { MenuButton } from '../../components/menu.js';
import { frameHint, saveUrl } from '../../components/save-file.js';
import { useToast } from '../../components/toasts.js';

const FORMATS = [
  ['csv', 'CSV, for spreadsheets'],
  ['ndjson', 'NDJSON, one JSON object per line'],
] as const;

export const FormatMenu = ({ onSelect }: { onSelect: (format: ExportFormat) => void }) => (
  <MenuButton
    icon={Download}
    label="Export"
    items={FORMATS.map(([format, label]) => ({ label, onSelect: () => onSelect(format) }))}
  />
);

/** Downloads all deliveries or events that match the filters. The browser streams them to a file: a link needs neither cookie nor token. */
export function ExportMenu({ account, ...exported }: { account: string } & Exported) {
  const toast = useToast();
  const [isPending, setIsPending] = useState(false);
  const download = async (format: ExportFormat) => {
    setIsPending(true);
    try {
      const { id, token } = await createExportLink(account, { ...exported, format });
      saveUrl(
        new URL(`./v1/exports${query({ token })}`, document.baseURI).href,
        `${exported.what}-${account}.${format}`,
      );
      if (!(await hasStarted(account, id))) toast(notStarted());
    } catch (error) {
      toast(error instanceof Error ? error.message : String(error));
    } finally {
      setIsPending(false);
    }
  };
  if (isPending) return <Button isPending>Exporting</Button>;
  return <FormatMenu onSelect={(format) => void download(format)} />;
}

const LOOKS = 10;
const LOOK_AFTER_MS = 400;

/** Whether the browser opens the link. It reports to no script that it may not. */
async function hasStarted(account: string, link: string): Promise<boolean> {
  for (let look = 0; look < LOOKS; look += 1) {
    await new Promise((done) => setTimeout(done, LOOK_AFTER_MS));
    if ((await readExportLink(account, link)).openedAt !== null) return true;
  }
  return false;
}

const notStarted = (): string =>
  `The download did not start. ${frameHint() ?? 'Does your browser block downloads from this page?'}`;
