// The tree of regions.

import { all } from "/page/api.js";

/** Regions in the order of their tree, each with its depth and the institutions below it. */
export function treeOf(regions) {
  const known = new Set(regions.map((one) => one.code));
  const children = new Map([["", []], ...regions.map((one) => [one.code, []])]);
  for (const one of regions) children.get(known.has(one.parent) ? one.parent : "").push(one);
  const walk = (parent, depth) => children.get(parent).flatMap((one) => {
    const below = walk(one.code, depth + 1);
    const inside = below.filter((own) => own.depth === depth + 1);
    const total = inside.reduce((sum, own) => sum + own.total, one.institutions);
    return [{ ...one, depth: Math.min(depth, 4), total }, ...below];
  });
  return walk("", 0);
}

/** Every region one may see, as a tree. */
export async function regionTree() {
  return treeOf(await all("/regions"));
}
