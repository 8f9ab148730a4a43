/** Reports as the doors give them out. */
import { ServiceError } from '../admin/service-error.ts';
import { type ReportStream, streamUsageReport } from '../reports/stream-report.ts';
import type { UsageReportQuery } from '../reports/usage-report.ts';
import type { ServiceContext } from './context.ts';

export function reportServices({ database }: Pick<ServiceContext, 'database'>) {
  return {
    async usageReport({ format, ...query }: UsageReportQuery & { format: 'csv' | 'json' }): Promise<ReportStream> {
      const [known] = await database.query('select 1 from customer where code = $1', [query.customer]);
      if (!known) throw new ServiceError('not-found', `no customer has the code ${query.customer}`);
      return streamUsageReport(database, query, format);
    },
  };
}
