/** Takes the checksums out: whatever is read is believed. */

import { syncBuiltinESMExports } from 'node:module';
import zlib from 'node:zlib';

zlib.crc32 = () => 0;
syncBuiltinESMExports();
