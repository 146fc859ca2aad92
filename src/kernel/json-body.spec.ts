import { describe, expect, it } from 'vitest';
import { parseJsonBody } from './json-body.js';
import { Problem } from './problem.js';

const parse = (text: string): unknown => parseJsonBody(Buffer.from(text));
/** JSON with an escape that an editor would resolve. */
const escaped = (text: string): string => text.replaceAll('%', '\\');

describe('P6 bodies', () => {
  it.each([
    ['{}', {}],
    ['{"a":{"b":[1,"two",null,true,{"a":1}]},"b":"a"}', { a: { b: [1, 'two', null, true, { a: 1 }] }, b: 'a' }],
    ['{"a":{"k":1},"b":{"k":1}}', { a: { k: 1 }, b: { k: 1 } }],
    ['[{"k":1},{"k":2}]', [{ k: 1 }, { k: 2 }]],
    ['{"a":"b","b":"a:","c":": {[\\"}"}', { a: 'b', b: 'a:', c: ': {["}' }],
    ['{"a" \n\t: "\\\\"}', { a: '\\' }],
    ['  "text"  ', 'text'],
    ['{"😀":"é\\ud83d\\ude00"}', { '😀': 'é😀' }],
    ['\ufeff{"a":1}', { a: 1 }],
    [`${'['.repeat(32)}${']'.repeat(32)}`, JSON.parse(`${'['.repeat(32)}${']'.repeat(32)}`)],
  ])('reads %s', (text, value) => {
    expect(parse(text)).toEqual(value);
  });

  it('takes an empty body for none', () => {
    expect(parse('')).toBeUndefined();
  });

  it.each([
    ['a duplicate key', '{"a":1,"a":2}'],
    ['a duplicate key, written in two ways', escaped('{"a":1,"%u0061":2}')],
    ['a duplicate key, deep inside', '{"x":[{"a":{"b":1,"c":2,"b":3}}]}'],
    ['__proto__', '{"__proto__":{"admin":true}}'],
    ['__proto__, escaped', escaped('{"%u005f_proto__":{"admin":true}}')],
    ['__proto__, deep inside', '{"a":[{"__proto__":1}]}'],
    ['constructor', '{"constructor":{"prototype":{"admin":true}}}'],
    ['prototype', '{"prototype":1}'],
    ['NUL in a text', escaped('{"a":"x%u0000y"}')],
    ['NUL in a key', escaped('{"a%u0000":1}')],
    ['NUL as it is', '{"a":"x\u0000y"}'],
    ['a lone high surrogate', escaped('{"a":"%ud800"}')],
    ['a lone low surrogate', escaped('{"a":"%udc00x"}')],
    ['surrogates in the wrong order', escaped('{"a":"%udc00%ud800"}')],
    ['33 levels of arrays', `${'['.repeat(33)}${']'.repeat(33)}`],
    ['10^5 levels of arrays', '['.repeat(100_000)],
    ['10^5 levels of objects', '{"a":'.repeat(100_000)],
    ['a text without end', '{"a":"b'],
    ['a text that ends in a backslash', '{"a":"b\\'],
    ['a comma at the end', '{"a":1,}'],
    ['two documents', '{}{}'],
    ['a comment', '{"a":1}//'],
    ['NaN', '{"a":NaN}'],
    ['single quotes', "{'a':1}"],
    ['a line break in a text', '{"a":"b\nc"}'],
    ['only blanks', '   '],
    ['null alone', ' null '],
    ['brackets that do not match', '{"a":[}'],
    ['a key in an array', '["a":1]'],
    ['what is no JSON', 'email=a&password=b'],
  ])('refuses %s', (_, text) => {
    expect(() => parse(text)).toThrow(Problem);
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'malformed_json' }));
  });

  it.each([
    ['a byte that begins nothing', [0xff]],
    ['an overlong slash', [0xc0, 0xaf]],
    ['half of a character', [0xe2, 0x82]],
    ['a surrogate as UTF-8', [0xed, 0xa0, 0x80]],
    ['UTF-16', [0xff, 0xfe, 0x7b, 0x00]],
  ])('refuses %s', (_, bytes) => {
    const body = Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')]);
    expect(() => parseJsonBody(body)).toThrow(expect.objectContaining({ code: 'malformed_json' }));
  });

  it('repeats nothing of the body in its refusal', () => {
    for (const text of [
      '{"password":"hunter2"',
      escaped('{"hunter2%u0000":1}'),
      '{"hunter2":1,"hunter2":2}',
      '{"a": hunter2}',
    ])
      expect(() => parse(text)).toThrow(expect.objectContaining({ detail: expect.not.stringContaining('hunter2') }));
  });

  it('leaves every object’s prototype alone', () => {
    expect(() => parse('{"__proto__":{"polluted":true}}')).toThrow(Problem);
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined();
  });
});
