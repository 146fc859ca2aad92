import { ApiProperty } from '@nestjs/swagger';

/** A registration was taken; the same for a known and an unknown address. */
export class RegisteredView {
  /** Always true. */
  @ApiProperty({ enum: [true], example: true })
  success!: true;
  /**
   * For a person to read.
   * @example "Check your mail to verify the address"
   */
  message!: string;
  /**
   * The id that the person has once the address is verified.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  userId!: string;
  /**
   * The address that the mail went to.
   * @example ada@example.com
   */
  email!: string;
  /** Always true. */
  @ApiProperty({ enum: [true], example: true })
  requiresVerification!: true;
  /**
   * Whether a mail was handed to a configured transport. False where there is none, as `MAIL_URL` is not set: then the
   * mail with its token is kept, and a platform admin reads it at `GET /api/v1/admin/mails`.
   * @example true
   */
  emailSent!: boolean;
}

/** The address is proven. */
export class VerifiedView {
  /** Always true. */
  @ApiProperty({ enum: [true], example: true })
  verified!: true;
}

/** The request was taken; what comes of it is mailed. */
export class AcceptedView {
  /** Always true. */
  @ApiProperty({ enum: [true], example: true })
  accepted!: true;
}
