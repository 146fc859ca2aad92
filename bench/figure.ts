/** One promise about speed, held against its limit in the same run. Without a bar it is only printed. */
export interface Figure {
  name: string;
  /** What Tenon does, and its limit, in the same unit. */
  figure: number;
  limit: number;
  unit: string;
  /** figure / limit has to reach this. */
  atLeast?: number;
  /** figure / limit has to stay within this. */
  atMost?: number;
}
