import { EntityManager } from '@mikro-orm/postgresql';
import { Module } from '@nestjs/common';
import { AuditNames } from '../audit/audit-names.js';
import { PurgeRules } from '../database/purge-rules.js';
import { OrganizationsModule } from '../organizations/organizations.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccountController } from './account/account.controller.js';
import { AccountService } from './account/account.service.js';
import { ApiKeysController } from './api-keys/api-keys.controller.js';
import { ApiKeysService } from './api-keys/api-keys.service.js';
import { KeyAuthorization } from './api-keys/key-authorization.js';
import { KeyRevocations } from './api-keys/key-revocations.js';
import { KeyDoor } from './api-keys/key-door.js';
import { KeyUses } from './api-keys/key-uses.js';
import { KnownKeys } from './api-keys/known-keys.js';
import { AuthGuard } from './auth.guard.js';
import { authPurge } from './auth.purge.js';
import { Authorization } from './authorization.js';
import { Denials } from './denials.js';
import { EmailChangeController } from './email-change/email-change.controller.js';
import { EmailChangeService } from './email-change/email-change.service.js';
import { UsersImport } from './import/users-import.service.js';
import { AcceptanceController } from './invitations/acceptance.controller.js';
import { AcceptanceService } from './invitations/acceptance.service.js';
import { Lockout } from './login/lockout.js';
import { LoginController } from './login/login.controller.js';
import { LoginService } from './login/login.service.js';
import { PasswordCheck } from './login/password-check.js';
import { PagesController } from './pages/pages.controller.js';
import { PasswordCredentials } from './passwords/password-credentials.js';
import { PasswordHasher } from './passwords/password-hasher.js';
import { PasswordsController } from './passwords/passwords.controller.js';
import { PasswordsService } from './passwords/passwords.service.js';
import { PlatformAdminService } from './platform-admin/platform-admin.service.js';
import { RegistrationController } from './registration/registration.controller.js';
import { RegistrationService } from './registration/registration.service.js';
import { TrialRegistration } from './registration/trial-registration.js';
import { RefreshChain } from './sessions/refresh-chain.js';
import { SessionsController } from './sessions/sessions.controller.js';
import { SessionsService } from './sessions/sessions.service.js';
import { ServiceAccountsController } from './service-accounts/service-accounts.controller.js';
import { ServiceAccountsService } from './service-accounts/service-accounts.service.js';
import { readServiceAccountNames } from './service-accounts/service-account-names.js';
import { TokensModule } from './tokens/tokens.module.js';

/** Who somebody is, and how they prove it. */
@Module({
  imports: [TokensModule, UsersModule, OrganizationsModule],
  controllers: [
    RegistrationController,
    LoginController,
    SessionsController,
    PasswordsController,
    EmailChangeController,
    AccountController,
    AcceptanceController,
    PagesController,
    ApiKeysController,
    ServiceAccountsController,
  ],
  providers: [
    RegistrationService,
    TrialRegistration,
    LoginService,
    PasswordCheck,
    Lockout,
    SessionsService,
    RefreshChain,
    PasswordsService,
    PasswordCredentials,
    PasswordHasher,
    EmailChangeService,
    AccountService,
    AcceptanceService,
    PlatformAdminService,
    UsersImport,
    ApiKeysService,
    ServiceAccountsService,
    KeyRevocations,
    KnownKeys,
    KeyUses,
    KeyAuthorization,
    KeyDoor,
    AuthGuard,
    Authorization,
    Denials,
  ],
  exports: [AuthGuard, Denials, SessionsService, TokensModule, TrialRegistration],
})
export class AuthModule {
  constructor(names: AuditNames, purge: PurgeRules, em: EntityManager) {
    purge.add(authPurge);
    names.provide((ids) => readServiceAccountNames(em, ids));
  }
}
