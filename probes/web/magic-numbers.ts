/**
 * Magic numbers: whether bytes begin as a picture, a video or an audio file does, because a Content-Type may be wrong.
 */

const starts: readonly (readonly [offset: number, bytes: readonly number[]])[] = [
  [0, [0x89, 0x50, 0x4e, 0x47]], // PNG
  [0, [0xff, 0xd8, 0xff]], // JPEG
  [0, [0x47, 0x49, 0x46, 0x38]], // GIF
  [8, [0x57, 0x45, 0x42, 0x50]], // WebP, in a RIFF
  [4, [0x66, 0x74, 0x79, 0x70]], // "ftyp": AVIF, HEIC, MP4, MOV, M4A
  [0, [0xff, 0x0a]], // JPEG XL
  [4, [0x4a, 0x58, 0x4c, 0x20]], // JPEG XL in a box
  [0, [0x49, 0x49, 0x2a, 0x00]], // TIFF
  [0, [0x4d, 0x4d, 0x00, 0x2a]], // TIFF
  [0, [0x1a, 0x45, 0xdf, 0xa3]], // WebM, Matroska
  [0, [0x4f, 0x67, 0x67, 0x53]], // Ogg
  [0, [0x49, 0x44, 0x33]], // MP3 with its title
  [0, [0x66, 0x4c, 0x61, 0x43]], // FLAC
  [8, [0x57, 0x41, 0x56, 0x45]], // WAV, in a RIFF
];

export function startsLikeMedia(body: Uint8Array): boolean {
  const known = starts.some(([offset, bytes]) => bytes.every((byte, index) => body[offset + index] === byte));
  return known || isMpegAudio(body);
}

/** Frames begin with eleven bits that are set. */
const isMpegAudio = ([first = 0, second = 0]: Uint8Array): boolean => first === 0xff && (second & 0xe0) === 0xe0;

/** Letters and nothing else, as in an error message, JSON or a page; a short GIF is made of letters too. */
export function isText(body: Uint8Array): boolean {
  const start = Buffer.from(body.subarray(0, 64))
    .toString("utf8")
    .replace(/\uFFFD+$/, "");
  return body.length > 0 && !startsLikeMedia(body) && !/[^\t\n\r\u0020-\u007e\u00a0-\uffef]/u.test(start);
}
