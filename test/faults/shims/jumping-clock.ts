/** A wall clock that jumps an hour, to and fro. */

const real = Date.now;
let calls = 0;
Date.now = () => {
  calls += 1;
  return real() + (calls % 7 < 3 ? 3_600_000 : -3_600_000);
};
