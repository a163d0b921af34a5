/** What a person reads, in English. */

export const english = {
  locale: 'en',
  product: 'Parlor',
  guest: 'Anonymous',
  you: 'you',
  names: 'Names',
  notifyMe: 'Notify me when I am called',
  calledBy: (name: string, room: string) => `${name} in ${room}`,
  rooms: 'Rooms',
  entering: (room: string) => `Entering ${room} …`,
  unsentIn: (count: number) => (count === 1 ? '1 message not sent yet' : `${count} messages not sent yet`),
  log: (room: string) => `Messages in ${room}`,
  loading: 'Loading messages …',
  loadingOlder: 'Loading older messages …',
  beginning: (room: string) => `This is where ${room} begins.`,
  empty: 'Nobody has said anything here yet. You could be the first.',
  newLine: 'New messages',
  jumpToNew: (count: number) => (count === 1 ? '1 new message above' : `${count} new messages above`),
  unread: (count: number, more: boolean, calls: number) =>
    `${more ? `more than ${count}` : count} unread${calls === 0 ? '' : ', you were called'}`,
  whoIsHere: 'Who is here',
  peopleHere: (count: number) => (count === 1 ? '1 person is here' : `${count} people are here`),
  morePeople: (count: number) => `${count} more`,
  guestsHere: (count: number) => (count === 1 ? '1 guest' : `${count} guests`),
  typing: (names: readonly string[]) =>
    names.length === 1
      ? `${names[0]} is writing …`
      : names.length === 2
        ? `${names[0]} and ${names[1]} are writing …`
        : 'Several people are writing …',
  newMessages: (count: number) => (count === 1 ? '1 new message' : `${count} new messages`),
  toNewest: 'Go to the newest messages',
  sending: 'Sending …',
  waiting: 'Waiting to be sent',
  sendingIn: (seconds: number) => `Many messages at once: this one goes out in ${seconds} s`,
  notSent: 'Not sent.',
  notChanged: 'The message was not changed.',
  noAnswer: 'The server did not answer.',
  writtenBefore: 'You wrote this a while ago.',
  tryAgain: 'Try again',
  editAgain: 'Edit',
  discard: 'Discard',
  copy: 'Copy text',
  copyLink: 'Copy link',
  copied: 'Copied',
  notCopied: 'Not allowed',
  delete: 'Delete',
  reallyDelete: 'Really delete?',
  messageOf: (name: string, text: string) => `Message of ${name}: ${text}`,
  editing: 'You are editing a message.',
  cancel: 'Cancel',
  noSuchMessage: 'That message is not there, or too far back.',
  close: 'Close',
  keyboard: 'Keyboard shortcuts',
  shortcuts: [
    ['Enter', 'Send'],
    ['Shift + Enter', 'Begin a new line'],
    ['@', 'Call somebody: choose with the arrow keys, complete with Tab'],
    ['↑', 'In an empty message field: go to the last message, and from message to message'],
    ['← →', 'Choose what to do with the message'],
    ['Esc', 'Go back to the message field, or leave an edit'],
  ] as readonly (readonly [string, string])[],
  edited: 'edited',
  removed: 'This message was deleted.',
  messageNotSent: 'A message was not sent.',
  composer: (room: string) => `Message ${room}`,
  send: 'Send',
  left: (count: number) => (count === 1 ? '1 character left' : `${count.toLocaleString('en')} characters left`),
  excess: (count: number) => `${count.toLocaleString('en')} too many.`,
  tooLong: (limit: number) =>
    `A message can have ${limit.toLocaleString('en')} characters: shorten this one, or send it in parts.`,
  readOnly: 'Only announcements are written here: you can read them.',
  archivedRoom: 'This room is archived: it can be read, and nobody writes here any more.',
  muted: 'A moderator has muted you here. You can read what others write.',
  mutedUntil: (time: string) => `A moderator has muted you here until ${time}. You can read what others write.`,
  slowMode: (seconds: number) => `Slow mode: one message every ${seconds} s.`,
  slowFor: (seconds: number) => `Slow mode: this one goes out in ${seconds} s`,
  roomKinds: { archived: 'archived', 'read-only': 'announcements only', restricted: 'members only' },
  report: 'Report',
  reportTitle: 'Report this message',
  sendReport: 'Send report',
  whyReport: 'What is wrong with it?',
  reasons: { spam: 'Advertising or spam', abuse: 'Insults, threats or hatred', other: 'Something else' },
  reportNote: 'What the moderators should know (optional)',
  noteTooLong: (limit: number) => `This can have ${limit} characters.`,
  reported: 'Thank you. The moderators will look at the message.',
  restrict: 'Mute or ban',
  restrictTitle: (name: string) => `Mute or ban ${name}`,
  restrictNow: 'Do it',
  whatToDo: 'What',
  mute: 'Mute: they read, and can’t write',
  ban: 'Ban: they can’t come in',
  where: 'Where',
  onlyIn: (room: string) => `Only in ${room}`,
  everywhere: 'Everywhere',
  howLong: 'For how long',
  duration: (seconds: number) =>
    seconds === 0
      ? 'Until somebody lifts it'
      : seconds < 3_600
        ? `${seconds / 60} minutes`
        : seconds === 3_600
          ? '1 hour'
          : seconds === 86_400
            ? '1 day'
            : `${seconds / 86_400} days`,
  restrictReason: 'Reason, which they are told (optional)',
  restrictedNow: (kind: 'mute' | 'ban', name: string, room: string | null, until: string | null) =>
    `${name} is ${kind === 'mute' ? 'muted' : 'banned'} ${room === null ? 'everywhere' : `in ${room}`}${until === null ? '' : ` until ${until}`}.`,
  lift: (kind: 'mute' | 'ban', room: string | null) =>
    `Lift the ${kind === 'mute' ? 'mute' : 'ban'} ${room === null ? 'everywhere' : `in ${room}`}`,
  lifted: (kind: 'mute' | 'ban', name: string, room: string | null) =>
    `${name} may ${kind === 'mute' ? 'write' : 'come in'} again ${room === null ? 'everywhere' : `in ${room}`}.`,
  notDone: 'That was not done.',
  stillEntering: (room: string) => `Entering ${room}. Press Enter again once you are there.`,
  connecting: 'Connecting …',
  live: 'Connected',
  lost: 'No connection. Trying again',
  unreachable: 'The chat can’t be reached at the moment. What you write is kept. Trying again',
  inSeconds: (seconds: number) => `in ${seconds} s`,
  whenVisible: 'when you are back',
  reconnect: 'Reconnect now',
  noRooms: 'No room is open to you.',
  noRoomsGuest: 'No room is open to guests. Sign in to chat.',
  noSuchRoom: (room: string) => `There is no room “${room}”, or it is not open to you.`,
  signedOut: 'You are signed out and go on as a guest.',
  keptFor: (name: string, count: number) =>
    count === 1
      ? `A message that you wrote as ${name} was not sent. It is kept until you are ${name} again.`
      : `${count} messages that you wrote as ${name} were not sent. They are kept until you are ${name} again.`,
  signedInAs: (name: string) => `You are signed in as ${name}.`,
  serverFailed: 'The server failed.',
  dismiss: 'Dismiss',
  signIn: 'Sign in',
  signUp: 'Sign up',
  signOut: 'Log out',
  yourAccount: 'Your account',
  today: 'Today',
  yesterday: 'Yesterday',
  justNow: 'just now',
  skip: 'Skip to the message field',
  account: 'You',
  conversation: 'Conversation',
  /** Instead of the server's own sentences, by the code of a refusal. */
  refusals: {} as Readonly<Record<string, string>>,
};

/** What every language has to say. */
export type Texts = typeof english;
