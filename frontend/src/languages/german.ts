/** What a person reads, in German. */

import type { Texts } from './english';

const messages = (count: number): string => (count === 1 ? '1 Nachricht' : `${count} Nachrichten`);

export const german: Texts = {
  locale: 'de',
  product: 'Parlor',
  guest: 'Anonymous',
  you: 'du',
  names: 'Namen',
  notifyMe: 'Benachrichtigen, wenn ich genannt werde',
  calledBy: (name, room) => `${name} in ${room}`,
  rooms: 'Räume',
  entering: (room) => `${room} wird betreten …`,
  unsentIn: (count) => `${messages(count)} noch nicht gesendet`,
  log: (room) => `Nachrichten in ${room}`,
  loading: 'Nachrichten werden geladen …',
  loadingOlder: 'Ältere Nachrichten werden geladen …',
  beginning: (room) => `Hier beginnt ${room}.`,
  empty: 'Hier hat noch niemand etwas gesagt. Mach den Anfang.',
  newLine: 'Neue Nachrichten',
  jumpToNew: (count) => (count === 1 ? '1 neue Nachricht weiter oben' : `${count} neue Nachrichten weiter oben`),
  unread: (count, more, calls) =>
    `${more ? `mehr als ${count}` : count} ungelesen${calls === 0 ? '' : ', du wurdest genannt'}`,
  whoIsHere: 'Wer ist da?',
  peopleHere: (count) => (count === 1 ? '1 Person ist hier' : `${count} Personen sind hier`),
  morePeople: (count) => `${count} weitere`,
  guestsHere: (count) => (count === 1 ? '1 Gast' : `${count} Gäste`),
  typing: (names) =>
    names.length === 1
      ? `${names[0]} schreibt …`
      : names.length === 2
        ? `${names[0]} und ${names[1]} schreiben …`
        : 'Mehrere schreiben …',
  newMessages: (count) => (count === 1 ? '1 neue Nachricht' : `${count} neue Nachrichten`),
  toNewest: 'Zu den neuesten Nachrichten',
  sending: 'Wird gesendet …',
  waiting: 'Wartet aufs Senden',
  sendingIn: (seconds) => `Viele Nachrichten auf einmal: Diese geht in ${seconds} s hinaus`,
  notSent: 'Nicht gesendet.',
  notChanged: 'Die Nachricht wurde nicht geändert.',
  noAnswer: 'Der Server hat nicht geantwortet.',
  writtenBefore: 'Du hast das vor einer Weile geschrieben.',
  tryAgain: 'Noch einmal',
  editAgain: 'Bearbeiten',
  discard: 'Verwerfen',
  copy: 'Text kopieren',
  copyLink: 'Link kopieren',
  copied: 'Kopiert',
  notCopied: 'Nicht erlaubt',
  delete: 'Löschen',
  reallyDelete: 'Wirklich löschen?',
  messageOf: (name, text) => `Nachricht von ${name}: ${text}`,
  editing: 'Du bearbeitest eine Nachricht.',
  cancel: 'Abbrechen',
  noSuchMessage: 'Diese Nachricht gibt es nicht, oder sie liegt zu weit zurück.',
  close: 'Zumachen',
  keyboard: 'Tastenkürzel',
  shortcuts: [
    ['Eingabe', 'Senden'],
    ['Umschalt + Eingabe', 'Neue Zeile beginnen'],
    ['@', 'Jemanden nennen: mit den Pfeiltasten wählen, mit Tab ergänzen'],
    ['↑', 'Im leeren Nachrichtenfeld: zur letzten Nachricht, und von Nachricht zu Nachricht'],
    ['← →', 'Wählen, was mit der Nachricht geschieht'],
    ['Esc', 'Zurück zum Nachrichtenfeld, oder das Bearbeiten abbrechen'],
  ],
  edited: 'bearbeitet',
  removed: 'Diese Nachricht wurde gelöscht.',
  messageNotSent: 'Eine Nachricht wurde nicht gesendet.',
  composer: (room) => `Nachricht an ${room}`,
  send: 'Senden',
  left: (count) => (count === 1 ? 'Noch 1 Zeichen' : `Noch ${count.toLocaleString('de')} Zeichen`),
  excess: (count) => `${count.toLocaleString('de')} zu viel.`,
  tooLong: (limit) =>
    `Eine Nachricht kann ${limit.toLocaleString('de')} Zeichen haben: Kürze diese, oder schick sie in Teilen.`,
  readOnly: 'Hier stehen nur Ankündigungen: Du kannst sie lesen.',
  archivedRoom: 'Dieser Raum ist archiviert: Man kann ihn lesen, und niemand schreibt hier mehr.',
  muted: 'Die Moderation hat dich hier stummgeschaltet. Du kannst lesen, was andere schreiben.',
  mutedUntil: (time) => `Die Moderation hat dich hier bis ${time} stummgeschaltet. Du kannst lesen, was andere schreiben.`,
  slowMode: (seconds) => `Langsamer Modus: eine Nachricht alle ${seconds} s.`,
  slowFor: (seconds) => `Langsamer Modus: Diese geht in ${seconds} s hinaus`,
  roomKinds: { archived: 'archiviert', 'read-only': 'nur Ankündigungen', restricted: 'nur für Mitglieder' },
  report: 'Melden',
  reportTitle: 'Diese Nachricht melden',
  sendReport: 'Meldung senden',
  whyReport: 'Was stimmt nicht damit?',
  reasons: { spam: 'Werbung oder Spam', abuse: 'Beleidigung, Drohung oder Hass', other: 'Etwas anderes' },
  reportNote: 'Was die Moderation wissen sollte (freiwillig)',
  noteTooLong: (limit) => `Das kann ${limit} Zeichen haben.`,
  reported: 'Danke. Die Moderation sieht sich die Nachricht an.',
  restrict: 'Stumm oder sperren',
  restrictTitle: (name) => `${name} stummschalten oder sperren`,
  restrictNow: 'Ausführen',
  whatToDo: 'Was',
  mute: 'Stummschalten: darf lesen, nicht schreiben',
  ban: 'Sperren: darf nicht herein',
  where: 'Wo',
  onlyIn: (room) => `Nur in ${room}`,
  everywhere: 'Überall',
  howLong: 'Wie lange',
  duration: (seconds) =>
    seconds === 0
      ? 'Bis es jemand aufhebt'
      : seconds < 3_600
        ? `${seconds / 60} Minuten`
        : seconds === 3_600
          ? '1 Stunde'
          : seconds === 86_400
            ? '1 Tag'
            : `${seconds / 86_400} Tage`,
  restrictReason: 'Grund, der dabeisteht (freiwillig)',
  restrictedNow: (kind, name, room, until) =>
    `${name} ist ${room === null ? 'überall' : `in ${room}`} ${kind === 'mute' ? 'stummgeschaltet' : 'gesperrt'}${until === null ? '' : `, bis ${until}`}.`,
  lift: (kind, room) =>
    `${kind === 'mute' ? 'Stummschaltung' : 'Sperre'} ${room === null ? 'überall' : `in ${room}`} aufheben`,
  lifted: (kind, name, room) =>
    `${name} darf ${room === null ? 'überall' : `in ${room}`} wieder ${kind === 'mute' ? 'schreiben' : 'herein'}.`,
  notDone: 'Das ist nicht geschehen.',
  stillEntering: (room) => `${room} wird noch betreten. Drück die Eingabetaste danach noch einmal.`,
  connecting: 'Verbindung wird aufgebaut …',
  live: 'Verbunden',
  lost: 'Keine Verbindung. Neuer Versuch',
  unreachable: 'Der Chat ist gerade nicht erreichbar. Was du schreibst, bleibt erhalten. Neuer Versuch',
  inSeconds: (seconds) => `in ${seconds} s`,
  whenVisible: 'wenn du wieder da bist',
  reconnect: 'Jetzt verbinden',
  noRooms: 'Kein Raum steht dir offen.',
  noRoomsGuest: 'Gästen steht kein Raum offen. Melde dich an, um mitzureden.',
  noSuchRoom: (room) => `Einen Raum „${room}“ gibt es nicht, oder er steht dir nicht offen.`,
  signedOut: 'Du bist abgemeldet und machst als Gast weiter.',
  keptFor: (name, count) =>
    count === 1
      ? `Eine Nachricht, die du als ${name} geschrieben hast, wurde nicht gesendet. Sie wartet, bis du wieder ${name} bist.`
      : `${count} Nachrichten, die du als ${name} geschrieben hast, wurden nicht gesendet. Sie warten, bis du wieder ${name} bist.`,
  signedInAs: (name) => `Du bist als ${name} angemeldet.`,
  serverFailed: 'Der Server hat einen Fehler gemacht.',
  dismiss: 'Schließen',
  signIn: 'Anmelden',
  signUp: 'Registrieren',
  signOut: 'Abmelden',
  yourAccount: 'Dein Konto',
  today: 'Heute',
  yesterday: 'Gestern',
  justNow: 'gerade eben',
  skip: 'Zum Nachrichtenfeld',
  account: 'Du',
  conversation: 'Gespräch',
  refusals: {
    empty_message: 'Eine Nachricht kann nicht leer sein.',
    message_too_long: 'Diese Nachricht ist zu lang.',
    invalid_message: 'Dieser Text enthält Zeichen, die nicht gesendet werden können.',
    room_forbidden: 'Diesen Raum gibt es nicht, oder er steht dir nicht offen.',
    rate_limited: 'Zu viele Nachrichten auf einmal. Warte einen Moment.',
    posting_forbidden: 'Hier darfst du nicht schreiben.',
    muted: 'Die Moderation hat dich hier stummgeschaltet.',
    message_forbidden: 'Diese Nachricht gibt es nicht, oder du darfst sie nicht ändern.',
    moderation_forbidden: 'Das darfst du nicht, oder nicht mit dieser Person.',
    delivery_unavailable: 'Die Nachricht ist gespeichert, aber noch nicht unterwegs.',
    internal_error: 'Der Server hat einen Fehler gemacht.',
  },
};
