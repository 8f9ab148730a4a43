/** The turns of the event loop, numbered: in one and the same, nothing that came over a socket in between was heard of. */
export function countTurns(): () => number {
  let turn = 0;
  let isCounting = false;
  const count = () => {
    isCounting = false;
    turn += 1;
  };
  return () => {
    if (!isCounting) setImmediate(count);
    isCounting = true;
    return turn;
  };
}
