/** Names of campaigns and keys, which other things know by their ids. */

import { createContext, type ComponentChildren } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import { codedrop } from "./session.ts";
import { to } from "./router.ts";

/** Of one session: each is asked for once, and forgotten with it. */
export const Names = createContext<Map<string, Promise<string | null>>>(new Map());

/** Null where it is not known, yet or to this key. */
function useName(id: string, get: () => Promise<{ name: string }>): string | null {
  const names = useContext(Names);
  const [name, setName] = useState<string | null>(null);
  useEffect(() => {
    let isLeft = false;
    const known =
      names.get(id) ??
      get().then(
        (found) => found.name,
        () => null,
      );
    names.set(id, known);
    void known.then((found) => !isLeft && setName(found));
    return () => {
      isLeft = true;
    };
  }, [id]);
  return name;
}

export function CampaignName({ id }: { id: string }) {
  const name = useName(id, () => codedrop.campaigns.get(id));
  return <Named href={to("campaigns", id)} name={name} id={id} />;
}

export function KeyName({ id }: { id: string }) {
  const name = useName(id, () => codedrop.keys.get(id));
  return <Named href={to("keys", id)} name={name} id={id} />;
}

function Named({ href, name, id }: { href: string; name: string | null; id: string }) {
  const shown: ComponentChildren = name === null ? <code>{id}</code> : <bdi>{name}</bdi>;
  return (
    <a href={href} title={id}>
      {shown}
    </a>
  );
}
