import { ApiProperty } from '@nestjs/swagger';
import { PageLinks, PageMeta } from '../kernel/lists.js';
import type { Environment } from './environment.entity.js';

/** Where a customer's product runs. */
export class EnvironmentView {
  /**
   * What it is known by.
   * @example production
   */
  key!: string;
  /**
   * What it is called.
   * @example Production
   */
  name!: string;
  /** What runs there. */
  @ApiProperty({ type: String, nullable: true, example: 'What customers use' })
  description!: string | null;
  /**
   * When it was made.
   * @example 2026-11-25T08:00:00.000Z
   */
  createdAt!: string;
}

/** A page of environments. */
export class EnvironmentPageView {
  /** The environments of this page. */
  data!: EnvironmentView[];
  /** Where this page stands. */
  meta!: PageMeta;
  /** Neighbouring pages. */
  links!: PageLinks;
}

export function toEnvironmentView({ key, name, description, createdAt }: Environment): EnvironmentView {
  return { key, name, description: description ?? null, createdAt: createdAt.toISOString() };
}
