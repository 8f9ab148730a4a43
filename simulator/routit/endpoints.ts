/**
 * ROUTIT's interface: one POST of XML with Basic credentials that lists the charges of a period page by page, and files that
 * are fetched by the links in it, whole or from a byte on.
 */
import { type CallFault, callTrouble, type FaultMenu } from '../http/call-faults.ts';
import { type Reply, reply } from '../http/reply.ts';
import type { Call, Endpoint } from '../http/server.ts';
import { money } from './charges.ts';
import { type Delivered, fileEndpoint, fileFaults } from './delivered.ts';
import { resellerAccount } from './reseller.ts';

export interface RoutItApi {
  delivered: Delivered;
  user: string;
  password: string;
  /** End customers on a page. */
  pageSize: number;
}

export const routItFaults: FaultMenu = {
  'ROUTIT.overview': {
    F01: ['refused'],
    ...callTrouble,
    F03: [...callTrouble.F03, 'envelope'],
    F05: ['md5'],
    F09: ['invalid-utf8', 'bom', 'nul'],
    F11: ['new-element', 'missing-element'],
    F14: ['twice', 'missed'],
    F17: ['entities', 'external', 'path', 'host'],
    F20: ['reseller'],
  },
  'ROUTIT.download': { F01: ['refused'], ...callTrouble, F05: ['bytes'] },
  [fileEndpoint]: fileFaults,
};

interface Listed {
  customerId: string;
  rows: number;
  netE4: number;
  name: string;
  md5: string;
}

export function routItEndpoints(api: RoutItApi, base: string): Endpoint[] {
  const wanted = `Basic ${Buffer.from(`${api.user}:${api.password}`).toString('base64')}`;
  const isRefused = ({ headers, fault }: Call) => headers.authorization !== wanted || fault?.fault === 'F01';
  const refusal = () => reply(401, 'text/plain', 'Unauthorized\n', { 'www-authenticate': 'Basic realm="routit"' });

  function overview(call: Call): Reply {
    if (isRefused(call)) return refusal();
    const period = /<Period>(\d{4}-\d\d)<\/Period>/.exec(call.body)?.[1];
    const page = Number(/<Page>(\d{1,6})<\/Page>/.exec(call.body)?.[1] ?? 'NaN');
    if (!call.body.includes('<CdrOverviewRequest') || period === undefined || !(page >= 1)) {
      return envelope('INVALID_REQUEST', 'a CdrOverviewRequest needs a Period such as 2026-10 and a Page from 1');
    }
    if (call.fault?.kind === 'envelope') return envelope('INTERNAL', 'Er is iets misgegaan');
    const listed = api.delivered
      .files()
      .filter(({ charges }) => charges.period === period)
      .map(({ charges, file }): Listed => ({ customerId: charges.customerId, ...file }));
    const pages = Math.max(1, Math.ceil(listed.length / api.pageSize));
    const here = listed.slice((page - 1) * api.pageSize, page * api.pageSize);
    const total = { rows: sum(listed, 'rows'), netE4: sum(listed, 'netE4') };
    return xml(spoiltOverview(overviewText({ period, page, pages, total, here, base }), call.fault));
  }

  function download(call: Call): Reply {
    if (isRefused(call)) return refusal();
    const found = api.delivered.files().find(({ file }) => file.name === call.groups[0]);
    if (found === undefined) return reply(404, 'text/plain', 'Not found\n');
    const { gz, md5 } = found.file;
    const body = call.fault?.fault === 'F05' ? Buffer.concat([gz.subarray(0, -1), Buffer.from([gz.at(-1)! ^ 1])]) : gz;
    return ranged(body, `"${md5}"`, call.headers);
  }

  return [
    { at: 'ROUTIT.overview', method: 'POST', path: /^\/cdr$/, answer: overview },
    { at: 'ROUTIT.download', method: 'GET', path: /^\/charges\/([^/]+)$/, answer: download },
  ];
}

function overviewText(answer: {
  period: string;
  page: number;
  pages: number;
  total: { rows: number; netE4: number };
  here: readonly Listed[];
  base: string;
}): string {
  const { total, base } = answer;
  const customers = answer.here.map(
    ({ customerId, rows, netE4, name, md5 }) =>
      `<Customer><customerId>${customerId}</customerId><rows>${rows}</rows><net>${money(netE4, '.')}</net>` +
      `<url>${base}/charges/${name}</url><md5>${md5}</md5></Customer>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>
<CdrOverviewResponse><isSuccess>true</isSuccess><resellerId>${resellerAccount}</resellerId><period>${answer.period}</period>
<page>${answer.page}</page><pages>${answer.pages}</pages><rows>${total.rows}</rows><net>${money(total.netE4, '.')}</net>
<customers>${customers.join('\n')}</customers></CdrOverviewResponse>
`;
}

function envelope(code: string, message: string): Reply {
  return xml(
    `<?xml version="1.0" encoding="UTF-8"?>\n<CdrOverviewResponse><isSuccess>false</isSuccess>` +
      `<errorCode>${code}</errorCode><errorMessage>${message}</errorMessage></CdrOverviewResponse>\n`,
  );
}

function xml(body: string | Buffer): Reply {
  return reply(200, 'application/xml; charset=utf-8', body);
}

const laughs = `<!DOCTYPE lol [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>`;
const external = `<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>`;

function spoiltOverview(text: string, fault: CallFault | null): string | Buffer {
  const firstCustomer = /<Customer>.*<\/Customer>/.exec(text)?.[0] ?? '';
  switch (fault && `${fault.fault} ${fault.kind}`) {
    case 'F05 md5':
      return text.replace(/<md5>.{4}/, '<md5>0000');
    case 'F09 invalid-utf8':
      return Buffer.from(text.replace('<customers>', '<customers><note>Curaçao</note>'), 'latin1');
    case 'F09 bom':
      return `\uFEFF${text}`;
    case 'F09 nul':
      return text.replace('<customerId>', '<customerId>\0');
    case 'F11 new-element':
      return text.replaceAll('<Customer>', '<Customer><brand>x</brand>');
    case 'F11 missing-element':
      return text.replace(/<net>[^<]*<\/net><url>/, '<url>');
    case 'F14 twice':
      return text.replace(firstCustomer, `${firstCustomer}${firstCustomer}`);
    case 'F14 missed':
      return text.replace(firstCustomer, '');
    case 'F17 entities':
      return text.replace('?>', `?>${laughs}`).replace('<customerId>', '<customerId>&c;');
    case 'F17 external':
      return text.replace('?>', `?>${external}`).replace('<customerId>', '<customerId>&f;');
    case 'F17 path':
      return text.replace('/charges/charges_', '/charges/../../etc/charges_');
    case 'F17 host':
      return text.replace(/<url>http:\/\/[^/]*/, '<url>http://192.0.2.1');
    case 'F20 reseller':
      return text.replace(resellerAccount, '0000000911');
    default:
      return text;
  }
}

/** RFC 9110: a range whose If-Range no longer fits is answered with the whole. */
function ranged(body: Buffer, etag: string, headers: Call['headers']): Reply {
  const common = { etag, 'accept-ranges': 'bytes' };
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 'NaN');
  const isSame = headers['if-range'] === undefined || headers['if-range'] === etag;
  if (Number.isNaN(from) || !isSame) return reply(200, 'application/gzip', body, common);
  if (from >= body.length) {
    return reply(416, 'text/plain', '', { ...common, 'content-range': `bytes */${body.length}` });
  }
  const range = { ...common, 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` };
  return reply(206, 'application/gzip', body.subarray(from), range);
}

function sum(listed: readonly Listed[], field: 'rows' | 'netE4'): number {
  return listed.reduce((total, one) => total + one[field], 0);
}
