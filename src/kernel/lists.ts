import { ApiProperty } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, Max, MaxLength, Min } from 'class-validator';
import { invalidField } from './problem.js';

/** Query of a list with page numbers. */
export class PageQuery {
  /**
   * Number of the page, from 1.
   * @example 1
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(1_000_000)
  page: number = 1;

  /**
   * Rows on a page.
   * @example 50
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  perPage: number = 50;
}

/** Query of a list that grows without end. */
export class CursorQuery {
  /**
   * `meta.nextCursor` of the page before; nothing for the first page.
   * @example MDE5OWE3YzI
   */
  @IsOptional()
  @IsString()
  @MaxLength(200)
  cursor?: string;

  /**
   * Rows on a page.
   * @example 50
   */
  @IsOptional()
  @Type(() => Number)
  @IsInt()
  @Min(1)
  @Max(200)
  limit: number = 50;
}

/** Where a page stands among all. */
export class PageMeta {
  /**
   * Number of this page, from 1.
   * @example 1
   */
  page!: number;
  /**
   * Rows on a page.
   * @example 50
   */
  perPage!: number;
  /**
   * Rows on all pages.
   * @example 120
   */
  total!: number;
  /**
   * Pages in all, at least 1.
   * @example 3
   */
  totalPages!: number;
  /**
   * Whether there is more.
   * @example true
   */
  hasNext!: boolean;
  /**
   * Whether there is a page before this one.
   * @example false
   */
  hasPrevious!: boolean;
}

/** Addresses of the neighbouring pages, relative to PUBLIC_URL. */
export class PageLinks {
  /** This page. */
  @ApiProperty({ example: '/api/v1/admin/users?page=1&perPage=50' })
  self!: string;
  /** The first page. */
  @ApiProperty({ example: '/api/v1/admin/users?page=1&perPage=50' })
  first!: string;
  /** The page before; null on the first. */
  @ApiProperty({ type: String, nullable: true, example: null })
  previous!: string | null;
  /** The page after; null on the last. */
  @ApiProperty({ type: String, nullable: true, example: '/api/v1/admin/users?page=2&perPage=50' })
  next!: string | null;
  /** The last page. */
  @ApiProperty({ example: '/api/v1/admin/users?page=3&perPage=50' })
  last!: string;
}

/** One page of a list with page numbers. */
export interface Page<T> {
  data: T[];
  meta: PageMeta;
  links: PageLinks;
}

/** Whether and where a list goes on. */
export class CursorMeta {
  /** Give it as `cursor` to go on; null at the end. */
  @ApiProperty({ type: String, nullable: true, example: 'MDE5OWE3YzI' })
  nextCursor!: string | null;
  /**
   * Whether there is more.
   * @example true
   */
  hasNext!: boolean;
}

/** One page of a list that grows without end. */
export interface CursorPage<T> {
  data: T[];
  meta: CursorMeta;
}

/**
 * Builds a page with its numbers and links.
 * @param url path and query as they were asked, to keep the filters in the links.
 */
export function toPage<T>(data: T[], total: number, query: PageQuery, url: string): Page<T> {
  const totalPages = Math.max(1, Math.ceil(total / query.perPage));
  const link = (page: number): string => {
    const address = new URL(url, 'http://localhost');
    address.searchParams.set('page', String(page));
    address.searchParams.set('perPage', String(query.perPage));
    return `${address.pathname}${address.search}`;
  };
  const hasNext = query.page < totalPages;
  const hasPrevious = query.page > 1;
  return {
    data,
    meta: { page: query.page, perPage: query.perPage, total, totalPages, hasNext, hasPrevious },
    links: {
      self: link(query.page),
      first: link(1),
      previous: hasPrevious ? link(Math.min(query.page - 1, totalPages)) : null,
      next: hasNext ? link(query.page + 1) : null,
      last: link(totalPages),
    },
  };
}

/**
 * Builds a keyset page from up to `limit + 1` rows: the surplus row says that there is more.
 * @param keyOf the key that the list is sorted by, unique.
 */
export function toCursorPage<T>(rows: T[], limit: number, keyOf: (row: T) => string): CursorPage<T> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  const hasNext = rows.length > limit;
  return {
    data,
    meta: { nextCursor: hasNext && last ? Buffer.from(keyOf(last)).toString('base64url') : null, hasNext },
  };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/**
 * Reads the id that a cursor stands for.
 * @throws Problem `validation_failed` when it is none of ours.
 */
export function readCursor(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const id = Buffer.from(cursor, 'base64url').toString('utf8');
  if (!UUID.test(id)) throw invalidField('cursor', 'cursor_invalid', 'The cursor is none that this list gave');
  return id;
}

/**
 * Reads `?sort=-createdAt`.
 * @param allowed field names to what they are sorted by.
 * @throws Problem `validation_failed` for a field that is not listed.
 */
export function readSort<T extends string>(
  sort: string | undefined,
  allowed: readonly T[],
  fallback: { field: T; direction: 'asc' | 'desc' },
): { field: T; direction: 'asc' | 'desc' } {
  if (sort === undefined) return fallback;
  const direction = sort.startsWith('-') ? 'desc' : 'asc';
  const field = allowed.find((name) => name === sort.replace(/^-/, ''));
  if (!field) throw invalidField('sort', 'sort_not_allowed', `Sorting goes by ${allowed.join(', ')}`);
  return { field, direction };
}
