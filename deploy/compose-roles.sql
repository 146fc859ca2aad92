-- The database as docker-compose.yml names it: an owner who migrates, and the login of the application.
create role tenon_owner login createrole password 'tenon_owner';
create role tenon_login login password 'tenon_login';
create database tenon owner tenon_owner;
