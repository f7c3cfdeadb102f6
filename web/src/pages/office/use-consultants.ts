import { useEffect, useState } from 'preact/hooks';

import type { User } from '../../api';
import type { Session } from '../../app';

// Those who may be given a consultation; nobody where people may not be read.
export function useConsultants({ api, person }: Session): readonly { id: string; name: string }[] {
  const [users, setUsers] = useState<readonly User[]>([]);
  const may = person.permissions.includes('users.read');
  useEffect(() => {
    let current = true;
    if (may) api.users.listUsers({ type: 'consultant', status: 'active', limit: 200 }).then((reply) => current && setUsers(reply.items), () => undefined);
    return () => {
      current = false;
    };
  }, [api, may]);
  return users.map((user) => ({ id: user.id, name: `${user.firstName} ${user.lastName}` }));
}
