// Durations in cleanup policies. The provider accepts one number with one unit, and the service answers in seconds.

const seconds = { s: 1, m: 60, h: 3600, d: 86_400 } as const;
const isUnit = (unit: string | undefined): unit is keyof typeof seconds =>
    unit !== undefined && unit in seconds;

/** A number and a unit, of at most 100 years. */
export const durationPattern = /^[1-9]\d{0,9}[smhd]$/;
/** The longest duration, in seconds: 100 years. */
export const maxSeconds = 36_525 * seconds.d;

/** The seconds of a duration, also of one of the service, which can have a fraction; undefined if it is none. */
export function parseDuration(duration: string): number | undefined {
    const [, count, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(duration) ?? [];
    return isUnit(unit) ? Number(count) * seconds[unit] : undefined;
}

/** A duration in the form of the service: `2592000s` for `30d`. */
export function inSeconds(duration: string): string {
    return `${parseDuration(duration) ?? duration}s`;
}

/** A duration in its largest whole unit: `30d` for `2592000s`. */
export function readable(duration: string): string {
    const total = parseDuration(duration);
    const unit = (["d", "h", "m"] as const).find(
        (each) => total !== undefined && total % seconds[each] === 0,
    );
    return total === undefined || total === 0 || unit === undefined
        ? duration
        : `${total / seconds[unit]}${unit}`;
}

/** The duration that someone meant with 30 days, 2 weeks, P30D or 30. */
export function meantDuration(text: string): string | undefined {
    const [, count = "", unit = "d"] = /^p?t?\s*(\d+)\s*(?:(d|h|m|s|w)[a-z]*)?$/i.exec(text.trim()) ?? [];
    const days = unit.toLowerCase() === "w" ? `${Number(count) * 7}d` : `${count}${unit.toLowerCase()}`;
    return durationPattern.test(days) ? days : undefined;
}
