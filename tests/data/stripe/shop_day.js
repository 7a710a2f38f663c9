// A shop's day with the merchants' own Node client; only its address is another.
// Run with the engine's address; prints what it saw as one JSON document.
'use strict';
const Stripe = require('stripe');
const where = new URL(process.argv[2]);
const options = { host: where.hostname, port: where.port, protocol: 'http', maxNetworkRetries: 2 };
const stripe = new Stripe('sk_test_taplab', options);
const seen = {};

async function refused(kind, work) {
  try {
    await work();
  } catch (error) {
    if (error.type !== kind) throw error;
    return { status: error.statusCode, code: error.code, param: error.param ?? null };
  }
  throw new Error(`${kind} was expected`);
}

async function main() {
  const customer = await stripe.customers.create({ name: 'Bob', metadata: { table: '5' } });
  const method = await stripe.paymentMethods.create({
    type: 'card',
    card: { number: '378282246310005', exp_month: 12, exp_year: 2040, cvc: '1234' },
  });
  await stripe.paymentMethods.attach(method.id, { customer: customer.id });
  const order = {
    amount: 2500, currency: 'usd', customer: customer.id, payment_method: method.id,
    capture_method: 'manual', confirm: true, metadata: { order: '8' },
  };
  const key = { idempotencyKey: 'order-8' };
  const intent = await stripe.paymentIntents.create(order, key);
  const again = await stripe.paymentIntents.create(order, key);
  seen.held = [intent.status, again.id === intent.id,
    again.lastResponse.headers['idempotent-replayed']];
  const captured = await stripe.paymentIntents.capture(
    intent.id, { amount_to_capture: 2000, expand: ['latest_charge'] });
  seen.captured = [captured.status, captured.latest_charge.amount_captured];
  const refund = await stripe.refunds.create({ payment_intent: intent.id, amount: 500 });
  seen.refund = [refund.amount, refund.object];
  for (let n = 0; n < 5; n += 1) await stripe.customers.create({ name: `Guest ${n}` });
  let count = 0;
  for await (const each of stripe.customers.list({ limit: 2 })) count += each.id ? 1 : 0;
  seen.customers = count;
  const bare = { amount: 100, currency: 'usd' };
  const declined = { ...bare, payment_method: 'pm_card_chargeDeclined', confirm: true };
  const wrong = new Stripe('sk_test_wrong', options);
  seen.errors = {
    card: await refused('StripeCardError', () => stripe.paymentIntents.create(declined)),
    unknown: await refused('StripeInvalidRequestError',
      () => stripe.paymentIntents.create({ ...bare, colour: 'red' })),
    key: await refused('StripeAuthenticationError', () => wrong.customers.list()),
    idempotency: await refused('StripeIdempotencyError',
      () => stripe.paymentIntents.create(bare, key)),
  };
  console.log(JSON.stringify(seen));
}

main().catch((error) => { console.error(error); process.exit(1); });
