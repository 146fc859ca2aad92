import { IsUUID } from 'class-validator';

/** Names a task. */
export class CleanupTaskPath {
  /**
   * Id of the task.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  taskId!: string;
}
