/**
 * The links of an overview. A link may only lead to the profile's own server and to a file that is named after this reseller,
 * period and customer: the password goes with the request, and the name goes into rows, messages and the archive's books.
 */

export interface ChargesLink {
  readonly url: URL;
  /** `charges_<reseller10>_<yyyymm>_<customer>.csv.gz` */
  readonly name: string;
}

/** Why the link is not followed, or the link. */
export function chargesLink(
  text: string,
  of: { readonly base: string; readonly reseller: string; readonly period: string; readonly customerNo: string },
): ChargesLink | string {
  const url = URL.parse(text);
  const base = new URL(of.base);
  if (!url || url.origin !== base.origin || url.username !== '' || url.password !== '') {
    return `its link does not lead to ${base.origin}, where the profile's password belongs; it was not followed`;
  }
  const name = `charges_${of.reseller}_${of.period.replace('-', '')}_${of.customerNo}.csv.gz`;
  // compared as it was written: what URL.parse makes of dots and escapes is another path
  const path = text.slice(url.origin.length);
  const directory = path.slice(0, -name.length);
  if (!path.endsWith(`/${name}`) || directory.includes('..') || directory.includes('%') || directory.includes('\\')) {
    return `its link does not end in ${name}; it was not followed`;
  }
  return { url, name };
}
