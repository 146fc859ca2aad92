import { IsString, IsUUID, MaxLength, MinLength } from 'class-validator';

/** Exchanges a refresh token. */
export class RefreshRequest {
  /**
   * The refreshToken of the last sign-in or refresh.
   * @example local.Zk3xP0mXo3wq8m2yq7l1sV9c5n4b6a8d0e2f4g6h8i0
   */
  @IsString()
  @MinLength(1)
  @MaxLength(200)
  refreshToken!: string;
}

/** Names a session. */
export class SessionPath {
  /**
   * Id of the session.
   * @example 0199a7c2-7b7e-7cc1-a1f5-0d6a5a1b9f00
   */
  @IsUUID()
  id!: string;
}
