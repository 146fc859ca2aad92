import { applyDecorators } from '@nestjs/common';
import { ArrayMaxSize, IsArray, IsObject, ValidateNested } from 'class-validator';

/**
 * The property is a list of at most `max` objects, each checked by the class that `@Type` says. ValidateNested alone would
 * look into lists inside of the list as well, and let them through.
 */
export const AreObjects = (max: number): PropertyDecorator =>
  applyDecorators(IsArray(), ArrayMaxSize(max), IsObject({ each: true }), ValidateNested({ each: true }));
