import { defineEntity, p } from '@mikro-orm/core';
import { systemPolicy } from '../../database/policies.js';
import { User } from '../../users/user.entity.js';

const EmailChangeSchema = defineEntity({
  name: 'EmailChange',
  tableName: 'email_changes',
  rowLevelSecurity: 'force',
  policies: [systemPolicy],
  properties: {
    id: p.uuid().primary(),
    user: () => p.manyToOne(User).deleteRule('cascade').index(),
    oldEmail: p.text(),
    newEmail: p.text(),
    confirmTokenHash: p.blob().unique(),
    undoTokenHash: p.blob().unique(),
    createdAt: p.datetime(),
    /** Until when the new address can confirm. */
    expiresAt: p.datetime(),
    confirmedAt: p.datetime().nullable(),
    /** Until when the old address can undo: 7 days from the request, and again from the confirmation. */
    undoExpiresAt: p.datetime().index(),
    undoneAt: p.datetime().nullable(),
  },
});

/** A change of address: the new one confirms it; the old one is told at once, and can undo it for 7 days. */
export class EmailChange extends EmailChangeSchema.class {}
EmailChangeSchema.setClass(EmailChange);
