// How it travels: connection, streams, buckets, publishing once, dead letters. What any of it means is the engine's business.
export {
  archivedEvent,
  archiveLine,
  archiveLines,
  archiveObject,
  archivePage,
  archivePages,
  messagesIn,
  openArchive,
  recordIn,
  wholeHistory,
} from './archive.ts';
export type { Archive, ArchivedTask } from './archive.ts';
export { canonical, sha256 } from './canonical.ts';
export { bury, dlqIdOf, printable, unprintable } from './dead-letter.ts';
export type { Burial, Corpse } from './dead-letter.ts';
export { drop, listLetters, readLetter, redrive, redriveHeader } from './dead-letters.ts';
export type { Closed, LettersAsked, Redriving } from './dead-letters.ts';
export { decode, decodeAny, decodeTrusted, textOf } from './decode.ts';
export type { Decoded, DecodeOptions, JsonObject, Undecodable } from './decode.ts';
export { questionId } from './asking.ts';
export { BusError, isBusError } from './error.ts';
export type { BusErrorCode } from './error.ts';
export { Broker } from './memory/broker.ts';
export type { BrokerOptions, Faults } from './memory/broker.ts';
export { memoryBus } from './memory/bus.ts';
export type { MemoryBus } from './memory/bus.ts';
export { endingClock, realClock } from './memory/clock.ts';
export type { Clock } from './memory/clock.ts';
export type { NatsBus } from './nats/bus.ts';
export { connect, serverVersionMin, strictBatching } from './nats/connect.ts';
export type { ConnectOptions } from './nats/connect.ts';
export { inspect, prepare } from './nats/prepare.ts';
export type { Prepared, PrepareOptions } from './nats/prepare.ts';
export type { Batching } from './nats/publisher.ts';
export { isInbox } from './nats/serve.ts';
export { partitionOf } from './partition.ts';
export { PassingMap, PassingSet } from './passing.ts';
export type {
  Answer,
  Bus,
  Change,
  Delivery,
  Entry,
  Log,
  LogInfo,
  Message,
  Objects,
  QueueInfo,
  ReadOptions,
  Running,
  Said,
  Saying,
  Service,
  Store,
  Wire,
} from './port.ts';
export { Recent } from './recent.ts';
export { keyRingOf, newKeys, openKeyRing, readKeyRing, withKey } from './tokens.ts';
export type { KeyRing, Keys } from './tokens.ts';
