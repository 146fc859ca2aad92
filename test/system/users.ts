import { execFileSync } from 'node:child_process';

/** A user of this machine. */
export interface OsUser {
  uid: number;
  gid: number;
}

/** User and group id of a user. */
export function userIds(name: string): OsUser {
  const id = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Makes an ordinary user without a password; only root may. */
export function addUser(name: string, home: string): OsUser {
  execFileSync('useradd', ['--no-create-home', '--home-dir', home, '--shell', '/bin/sh', name], { stdio: 'pipe' });
  return userIds(name);
}

export function removeUser(name: string): void {
  execFileSync('userdel', [name], { stdio: 'pipe' });
}
