/** The settings of the server, as `-c name=value`. `extra` wins over what is a matter of taste, not over what is safety. */
export function serverSettings(clusterName: string, port: number, extra: Record<string, string>): string[] {
  const settings: Record<string, string> = {
    max_connections: '200',
    // Memory: the whole of Tenon is to idle within 200 MB. Pages are taken as they are used.
    shared_buffers: '64MB',
    // No worker processes for I/O and logical replication, no compiler in each backend.
    io_method: 'sync',
    max_logical_replication_workers: '0',
    jit: 'off',
    max_wal_size: '256MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    // The log tells of the server, not of statements: those can hold personal data, and Tenon logs its own errors.
    log_min_messages: 'log',
    log_min_error_statement: 'panic',
    log_error_verbosity: 'terse',
    log_checkpoints: 'off',
    log_line_prefix: '%m [%p] ',
    ...extra,
    cluster_name: clusterName,
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    password_encryption: 'scram-sha-256',
  };
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
}
