/** One promise about speed, held against its limit in the same run. */
export interface Figure {
  name: string;
  /** What Tenon does, and its limit, in the same unit. */
  figure: number;
  limit: number;
  unit: string;
  /** figure / limit has to reach this; null is only printed. */
  bar: number | null;
}
