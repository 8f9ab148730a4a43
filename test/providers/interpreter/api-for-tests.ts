/** One API and one world for all tests of a file; each test begins with an API that was asked nothing and says what is usual. */
import { after, beforeEach } from 'node:test';
import { type Api, type ApiWorld, openApi, openApiWorld } from './api-world.ts';

export async function apiForTests(): Promise<{ readonly world: ApiWorld; readonly api: Api }> {
  const world = await openApiWorld();
  const api = await openApi();
  after(async () => {
    await api.close();
    await world.close();
  });
  beforeEach(() => {
    api.asked.length = 0;
    api.answers = [];
    api.items = 5;
    world.released.length = 0;
  });
  return { world, api };
}
