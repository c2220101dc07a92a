import type { Health, Setting } from '@posthorn/contract';
import { useQuery } from '@tanstack/react-query';
import { Fragment } from 'react';
import { settingsQuery } from '../../queries/operate.js';
import { Facts, PageHead, useTitle } from '../../components/page.js';
import { Pill } from '../../components/pill.js';
import { Loaded } from '../../components/states.js';
import { Table, tight } from '../../components/table.js';

const HEALTH = {
  ok: { tone: 'success', label: 'Healthy' },
  degraded: { tone: 'warning', label: 'Degraded: deliveries are delayed' },
  fail: { tone: 'danger', label: 'Not ready' },
} as const;

/** The version, the health and the settings of the API. Read-only, because environment variables set them. */
export function SettingsScreen() {
  useTitle('Settings');
  const settings = useQuery(settingsQuery);
  return (
    <>
      <PageHead title="Settings" note="The settings of the API. Change them with environment variables and restart." />
      <Loaded query={settings} what="settings" lines={12}>
        {(data) => (
          <div className="stack wide">
            <div className="panel">
              <Facts
                facts={[
                  [
                    'Version',
                    <span key="version" className="mono">
                      {data.version}
                    </span>,
                  ],
                  ['Health', <HealthFacts key="health" of={data.health} />],
                  ['Allowed private networks', <AllowedNetworks key="networks" settings={data.settings} />],
                ]}
              />
            </div>
            <Table caption="Settings of the API" columns={[tight('Name'), 'Value', 'Description', tight('Source')]}>
              {data.settings.map((setting) => (
                <tr key={setting.name}>
                  <td className="tight mono small">{setting.name}</td>
                  <td data-label="Value">
                    <Value of={setting} />
                  </td>
                  <td className="small">{setting.description.replaceAll('`', '')}</td>
                  <td className="tight muted" data-label="Source">
                    {setting.isSet ? 'Environment' : 'Default'}
                  </td>
                </tr>
              ))}
            </Table>
          </div>
        )}
      </Loaded>
    </>
  );
}

const HealthFacts = ({ of: { status, checks } }: { of: Health }) => (
  <div className="stack tight">
    <div className="row">
      <Pill tone={HEALTH[status].tone}>{HEALTH[status].label}</Pill>
    </div>
    <ul className="stack tight">
      {Object.entries(checks).map(([name, check]) => (
        <li key={name} className="small">
          {name}: {check.status === 'ok' ? 'ok' : (check.reason ?? 'failed')}
          {check.lagSeconds !== undefined && `, ${check.lagSeconds} s behind`}
        </li>
      ))}
    </ul>
  </div>
);

function AllowedNetworks({ settings }: { settings: Setting[] }) {
  const allowed = settings.find(({ name }) => name === 'ALLOW_PRIVATE_NETWORKS')?.value ?? 'none';
  if (allowed === 'none') return <>None. Webhooks can use public addresses only.</>;
  return (
    <ul className="stack tight">
      {allowed.split(',').map((network) => (
        <li key={network} className="mono">
          {network.trim()}
        </li>
      ))}
    </ul>
  );
}

function Value({ of: { isSecret, isSet, value } }: { of: Setting }) {
  if (isSecret) return <span className="muted">{isSet ? 'set (hidden)' : 'not set'}</span>;
  if (value === null) return <span className="muted">not set</span>;
  return (
    <span className="mono words">
      {value.split(/(?<=,)/).map((part, index) => (
        <Fragment key={index}>
          {part}
          <wbr />
        </Fragment>
      ))}
    </span>
  );
}
