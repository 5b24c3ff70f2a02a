/** Every fault that is tried. Adding one is a row here and a file in `kinds/`. */

import type { Fault } from './fault.ts';
import { fourProcesses, stoppedHolder, twoProcesses } from './kinds/crowd.ts';
import {
  bitFlips,
  bitFlipsWithoutChecksums,
  truncation,
  truncationOfTheEnd,
  zeroedTail,
} from './kinds/damage.ts';
import { failing, fileSizeLimit, fullDisk } from './kinds/failing-disk.ts';
import { clockJumps, kill9, killAtWrite } from './kinds/kill.ts';
import { powerCut, powerCutWithoutSync } from './kinds/power-cut.ts';
import { redisFaults } from './kinds/redis.ts';
import { simulatedPowerCut, simulatedPowerCutWithoutSync } from './kinds/simulated-power-cut.ts';

export const faults: readonly Fault[] = [
  kill9,
  killAtWrite,
  powerCut,
  simulatedPowerCut,
  ...['ENOSPC', 'EIO', 'EROFS', 'EACCES', 'EMFILE'].map(failing),
  fullDisk,
  fileSizeLimit,
  twoProcesses,
  fourProcesses,
  stoppedHolder,
  clockJumps,
  truncation,
  truncationOfTheEnd,
  zeroedTail,
  bitFlips,
  powerCutWithoutSync,
  simulatedPowerCutWithoutSync,
  bitFlipsWithoutChecksums,
  ...redisFaults,
];
