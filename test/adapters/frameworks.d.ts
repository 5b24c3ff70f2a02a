/** The older majors, which npm knows by another name here; their types differ in nothing that the tests use. */

declare module 'express4' {
  import express from 'express';
  export default express;
}

declare module 'koa2' {
  import Koa from 'koa';
  export default Koa;
}
